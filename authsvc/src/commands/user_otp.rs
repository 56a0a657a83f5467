//! `authsvc user otp-enrol` and `otp-reset`

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use authsvc_core::audit::Target;
use authsvc_core::domain::{EmailAddress, UserId};
use authsvc_core::service::administration::{Change, Changed};
use authsvc_core::service::second_factor::{SecondFactors, issuer_name};
use zeroize::Zeroizing;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{ConfigArgs, PictureArgs};
use crate::qr_code::QrCode;

pub(super) async fn enrol(email: &str, picture: &PictureArgs, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    // Before anything changes: what is shown is shown once.
    for file in [&picture.png, &picture.svg].into_iter().flatten() {
        refuse_existing(file)?;
    }
    let installation = Installation::open(config).await?;
    let handed_over = async {
        let user_id = find(&installation, &email).await?;
        let keys = installation.key_ring().await?;
        let store = installation.store();
        let factors = SecondFactors::new(store.as_ref(), &keys, installation.clock().now());
        Ok::<_, CommandError>(factors.hand_over(user_id).await?)
    };
    let target = Target::address(&email);
    let handed_over = installation.perform("user.otp-enrol", target, handed_over).await;
    let issuer = installation.config.tokens.issuer.clone();
    installation.close().await;
    let (secret, codes) = handed_over?;

    let uri = secret.provisioning_uri(issuer_name(&issuer), &email);
    let code = QrCode::new(uri.expose_secret())?;
    let mut text = Zeroizing::new(format!(
        "{email} needs a code of its authenticator app at every login now.\n\n"
    ));
    if picture.png.is_none() && picture.svg.is_none() && std::io::stdout().is_terminal() {
        text.push_str(&code.to_terminal());
    }
    text.push_str(&format!("address  {}\n", uri.expose_secret()));
    text.push_str(&format!("secret   {}\n\n", secret.to_base32().expose_secret()));
    text.push_str("Recovery codes, each good once, for when the app is lost. None of this is shown again.\n\n");
    for code in codes.to_texts() {
        text.push_str(&format!("  {}\n", code.expose_secret()));
    }
    print(&text)?;
    if let Some(file) = &picture.png {
        private_files::write_new(file, &code.to_png()?)?;
    }
    if let Some(file) = &picture.svg {
        private_files::write_new(file, code.to_svg().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn reset(email: &str, config: &ConfigArgs) -> Result<ExitCode, CommandError> {
    let email: EmailAddress = email.parse()?;
    let installation = Installation::open(config).await?;
    let change = Change::ResetSecondFactor(email.clone().into());
    let removed = installation.change(change).await;
    installation.close().await;
    match removed? {
        Changed::SecondFactorReset(true) => print(&format!(
            "{email} has no second factor any more. If its password has fewer than 15 characters, give it another one.\n"
        )),
        _ => print(&format!("{email} has no second factor.\n")),
    }
}

async fn find(installation: &Installation, email: &EmailAddress) -> Result<UserId, CommandError> {
    let found = installation.store().user_by_email(email).await?;
    let record = found.ok_or_else(|| format!("there is no account {email}"))?;
    Ok(record.unverified().id)
}

fn refuse_existing(file: &Path) -> Result<(), CommandError> {
    if file.symlink_metadata().is_ok() {
        return Err(format!(
            "{} exists already; a file with a secret is never overwritten",
            file.display()
        )
        .into());
    }
    Ok(())
}

//! `authsvc init`

use std::process::ExitCode;

use certgen::init::LeafSpec;
use cryptokit::x509::{LeafProfile, SubjectAlternativeName};

use super::{CommandError, print, system_clock};
use crate::cli::InitArgs;
use crate::home::{self, HomeRequest};

pub(super) async fn run(args: InitArgs) -> Result<ExitCode, CommandError> {
    let server_names = args
        .server_names
        .iter()
        .map(|name| SubjectAlternativeName::infer(name).map_err(|error| format!("--server-san {name}: {error}")))
        .collect::<Result<_, _>>()?;
    let clients = args
        .clients
        .iter()
        .map(|text| LeafSpec::parse(LeafProfile::Client, text))
        .collect::<Result<Vec<_>, _>>()?;
    let request = HomeRequest {
        directory: args.home.clone(),
        issuer: args.issuer,
        public_address: args.public_address,
        internal_address: args.internal_address,
        ops_address: args.ops_address,
        server_names,
        clients,
        database_url_file: args.database_url_file.map(std::path::absolute).transpose()?,
        default_audience: args.default_audience,
        demo: None,
    };
    request.check()?;
    let report = home::create(&request, &system_clock()).await?;
    let config = report.config_file.display();
    print(&format!(
        "Made {home}: certificates, keys, database and configuration.\n\
         The CA's private keys are in {home}/pki, unencrypted: move root.key.pem and intermediate.key.pem to a safe place.\n\
         \n\
         Next:\n  \
           authsvc service add NAME --san dns:NAME.internal --audience NAME --config {config}\n  \
           authsvc user add ADDRESS --config {config}\n  \
           authsvc serve --config {config}\n\
         \n\
         The revocation lists in {home}/pki end after 90 days, as the certificates do: certgen crl and certgen renew make new\n\
         ones, which the service reads while it runs.\n",
        home = args.home.display(),
    ))
}

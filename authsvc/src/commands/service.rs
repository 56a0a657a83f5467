//! `authsvc service`

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use authsvc_core::audit::Target;
use authsvc_core::domain::{RecordFault, Service, ServiceIdentity, ServiceName};
use authsvc_core::service::NewService;
use authsvc_core::service::administration::Change;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::installation::Installation;
use super::{CommandError, print};
use crate::cli::{IdentityArgs, ServiceCommand};
use crate::config::Config;
use crate::transport::tls;

pub(super) async fn run(command: ServiceCommand) -> Result<ExitCode, CommandError> {
    match command {
        ServiceCommand::Add {
            name,
            san,
            audiences,
            scopes,
            admin,
            issuer,
            config,
        } => {
            let installation = Installation::open(&config).await?;
            let service = NewService {
                name: name.parse()?,
                identity: identity(&installation.config, &san, issuer.as_deref())?,
                audiences: all("--audience", &audiences)?,
                scopes: all("--scope", &scopes)?,
                admin,
            };
            add(installation, service).await
        }
        ServiceCommand::AddIdentity(args) => add_identity(&args).await,
        ServiceCommand::RemoveIdentity(args) => remove_identity(&args).await,
        ServiceCommand::List { json, config } => {
            let installation = Installation::open(&config).await?;
            let registry = installation.registry().await?;
            let all = registry.list().await;
            let mut text = String::new();
            for service in &all? {
                let fault = registry.fault_of(service).await;
                text.push_str(&match json {
                    true => as_json(service, fault)?,
                    false => as_text(service, fault)?,
                });
            }
            installation.close().await;
            print(&text)
        }
        ServiceCommand::Seal { name, config } => {
            let name: ServiceName = name.parse()?;
            let installation = Installation::open(&config).await?;
            let work = seal(&installation, &name);
            let sealed = installation.perform("service.seal", Target::named(&name), work).await;
            installation.close().await;
            sealed?;
            print(&format!("The registration of {name} is sealed as it stands.\n"))
        }
        ServiceCommand::Remove { name, config } => {
            let name: ServiceName = name.parse()?;
            let installation = Installation::open(&config).await?;
            change(installation, Change::RemoveService(name.clone())).await?;
            print(&format!("{name} is no longer registered.\n"))
        }
    }
}

async fn add(installation: Installation, service: NewService) -> Result<ExitCode, CommandError> {
    let (name, identity) = (service.name.clone(), service.identity.clone());
    let administers = if service.admin { ", an administrator" } else { "" };
    change(installation, Change::AddService(service)).await?;
    print(&format!("Registered {name}: {identity}{administers}.\n"))
}

async fn seal(installation: &Installation, name: &ServiceName) -> Result<(), CommandError> {
    let registry = installation.registry().await?;
    let all = registry.list().await?;
    let service = all.iter().find(|service| service.name == *name);
    let service = service.ok_or_else(|| format!("no service {name} is registered"))?;
    if registry.fault_of(service).await.is_some() && !registry.seal(service).await? {
        return Err(format!("the registration of {name} was changed meanwhile; look at it again").into());
    }
    Ok(())
}

async fn add_identity(args: &IdentityArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(&args.config).await?;
    let name: ServiceName = args.name.parse()?;
    let identity = identity(&installation.config, &args.san, args.issuer.as_deref())?;
    let added = Change::AddIdentity {
        name: name.clone(),
        identity: identity.clone(),
    };
    change(installation, added).await?;
    print(&format!("{name} is {identity} as well.\n"))
}

async fn remove_identity(args: &IdentityArgs) -> Result<ExitCode, CommandError> {
    let installation = Installation::open(&args.config).await?;
    let name: ServiceName = args.name.parse()?;
    let identity = identity(&installation.config, &args.san, args.issuer.as_deref())?;
    let removed = Change::RemoveIdentity {
        name: name.clone(),
        identity: identity.clone(),
    };
    change(installation, removed).await?;
    print(&format!("{name} is no longer {identity}.\n"))
}

async fn change(installation: Installation, change: Change) -> Result<(), CommandError> {
    let changed = installation.change(change).await;
    installation.close().await;
    changed.map(drop)
}

fn all<T: FromStr<Err: std::fmt::Display>>(flag: &str, names: &[String]) -> Result<Vec<T>, CommandError> {
    names
        .iter()
        .map(|name| name.parse().map_err(|error| format!("{flag} {name}: {error}").into()))
        .collect()
}

fn as_text(service: &Service, fault: Option<RecordFault>) -> Result<String, CommandError> {
    let mut line = service.name.to_string();
    line.push_str("  ");
    line.push_str(&joined(&service.identities, ", "));
    line.push_str(&format!("  audiences {}", joined(&service.audiences, ",")));
    if !service.scopes.is_empty() {
        line.push_str(&format!("  scopes {}", joined(&service.scopes, ",")));
    }
    if service.admin {
        line.push_str("  administrator");
    }
    line.push_str(&format!("  {}", service.created_at.format(&Rfc3339)?));
    if let Some(fault) = fault {
        line.push_str(&format!("  {fault}: it is not let in"));
    }
    Ok(format!("{line}\n"))
}

fn as_json(service: &Service, fault: Option<RecordFault>) -> Result<String, CommandError> {
    let identities: Vec<_> = service
        .identities
        .iter()
        .map(|identity| {
            json!({ "san": identity.subject_alternative_name.to_string(),
                "issuer_spki_sha256": hexadecimal(&identity.issuer_spki_sha256) })
        })
        .collect();
    let line = json!({ "name": service.name.as_str(), "identities": identities,
        "audiences": texts(&service.audiences), "scopes": texts(&service.scopes), "admin": service.admin,
        "seal": match fault { None => "good", Some(RecordFault::Unsealed) => "none", Some(RecordFault::Altered) => "broken" },
        "created_at": service.created_at.format(&Rfc3339)? });
    Ok(format!("{line}\n"))
}

fn joined<T: ToString>(names: &[T], separator: &str) -> String {
    texts(names).join(separator)
}

fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn identity(config: &Config, san: &str, issuer: Option<&Path>) -> Result<ServiceIdentity, CommandError> {
    Ok(ServiceIdentity {
        subject_alternative_name: san.parse().map_err(|error| format!("--san {san}: {error}"))?,
        issuer_spki_sha256: issuer_spki(config, issuer)?,
    })
}

/// The CA that has to have issued the service's certificate.
fn issuer_spki(config: &Config, issuer: Option<&Path>) -> Result<[u8; 32], CommandError> {
    let file = issuer.unwrap_or(&config.internal.client_ca_file);
    let certificates = tls::certificates(file)?;
    match certificates.as_slice() {
        [only] if only.is_ca() => Ok(only.spki_sha256()),
        [_] => Err(format!("{} is not a CA certificate", file.display()).into()),
        _ => Err(format!(
            "{} holds several certificates; name the issuing CA's with --issuer",
            file.display()
        )
        .into()),
    }
}

//! `authsvc service`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use authsvc_core::domain::{AudienceName, ServiceIdentity, ServiceName};
use authsvc_core::service::{RegistrationError, ServiceRegistry};
use authsvc_core::storage::{Store, StoreError};
use cryptokit::x509::SubjectAlternativeName;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::{CommandError, load, print, system_clock};
use crate::cli::ServiceCommand;
use crate::config::Config;
use crate::storage::sqlite::SqliteStore;
use crate::transport::tls;

pub(super) async fn run(command: ServiceCommand) -> Result<ExitCode, CommandError> {
    match command {
        ServiceCommand::Add {
            name,
            san,
            audiences,
            issuer,
            config,
        } => {
            let config = load(&config)?;
            let name: ServiceName = name.parse()?;
            let subject_alternative_name: SubjectAlternativeName =
                san.parse().map_err(|error| format!("--san {san}: {error}"))?;
            let audiences = audiences
                .iter()
                .map(|audience| {
                    audience
                        .parse()
                        .map_err(|error| format!("--audience {audience}: {error}"))
                })
                .collect::<Result<Vec<AudienceName>, _>>()?;
            let issuer_spki_sha256 = issuer_spki(&config, issuer)?;
            let identity = ServiceIdentity {
                issuer_spki_sha256,
                subject_alternative_name,
            };
            let (registry, store) = open(&config).await?;
            let added = registry.add(name.clone(), identity.clone(), audiences).await;
            store.close().await;
            match added {
                Err(RegistrationError::Store(StoreError::Conflict)) => {
                    Err(format!("{name} or {identity} is registered already").into())
                }
                other => {
                    other?;
                    print(&format!("Registered {name}: {identity}.\n"))
                }
            }
        }
        ServiceCommand::List { json, config } => {
            let (registry, store) = open(&load(&config)?).await?;
            let all = registry.list().await;
            store.close().await;
            let mut text = String::new();
            for service in all? {
                let audiences: Vec<&str> = service.audiences.iter().map(AudienceName::as_str).collect();
                let created_at = service.created_at.format(&Rfc3339)?;
                if json {
                    let issuer: String = service
                        .identity
                        .issuer_spki_sha256
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect();
                    let line = json!({ "name": service.name.as_str(),
                        "san": service.identity.subject_alternative_name.to_string(),
                        "issuer_spki_sha256": issuer, "audiences": audiences, "created_at": created_at });
                    text.push_str(&format!("{line}\n"));
                } else {
                    text.push_str(&format!(
                        "{}  {}  audiences {}  {created_at}\n",
                        service.name,
                        service.identity,
                        audiences.join(",")
                    ));
                }
            }
            print(&text)
        }
        ServiceCommand::Remove { name, config } => {
            let name: ServiceName = name.parse()?;
            let (registry, store) = open(&load(&config)?).await?;
            let removed = registry.remove(&name).await;
            store.close().await;
            if !removed? {
                return Err(format!("no service {name} is registered").into());
            }
            print(&format!("{name} is no longer registered.\n"))
        }
    }
}

/// The CA that has to have issued the service's certificate.
fn issuer_spki(config: &Config, issuer: Option<PathBuf>) -> Result<[u8; 32], CommandError> {
    let file = issuer.as_ref().unwrap_or(&config.internal.client_ca_file);
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

async fn open(config: &Config) -> Result<(ServiceRegistry, Arc<SqliteStore>), CommandError> {
    let store = Arc::new(SqliteStore::open(&config.database_file).await?);
    Ok((
        ServiceRegistry::new(Arc::clone(&store) as Arc<dyn Store>, system_clock()),
        store,
    ))
}

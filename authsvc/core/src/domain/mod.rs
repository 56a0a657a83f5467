//! Values that are right once they exist.

mod audience;
mod email;
mod scope;
mod service;
mod user;

pub use audience::{AudienceName, InvalidAudience};
pub use email::{EmailAddress, InvalidEmailAddress};
pub use scope::{InvalidScope, ScopeName};
pub use service::{InvalidServiceName, Service, ServiceIdentity, ServiceName};
pub use user::{User, UserId};

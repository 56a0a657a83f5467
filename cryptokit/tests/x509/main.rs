//! X.509: names, what authorities make, what verifiers accept, what readers survive.

// The attribute tells clippy that helpers may unwrap too.
#[cfg(test)]
mod authorities;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod constraints;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod issue;
#[cfg(test)]
mod names;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod request;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trust_domain;
#[cfg(test)]
mod untrusted;

//! The command and its library: what is printed, what is on disk.

// The attribute tells clippy that helpers may unwrap too.
#[cfg(test)]
mod apply;
#[cfg(test)]
mod bundle;
#[cfg(test)]
mod csr;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod files;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod home;
#[cfg(test)]
mod init_options;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod inspect_server;
#[cfg(test)]
mod intermediate;
#[cfg(test)]
mod manual;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod report;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod rotate_ca;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod verify;

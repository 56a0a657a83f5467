//! Databases. Each is a whole implementation of the storage traits with its own SQL and migrations.

pub mod sqlite;

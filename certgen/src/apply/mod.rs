//! A certificate authority as a file says it should be.

pub mod manifest;
pub mod plan;
mod planner;
mod service_planner;
pub mod state;

pub use planner::{PlanOptions, plan};

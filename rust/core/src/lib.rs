//! Kubernetes audit logs to Arrow: the core of auditwake.

pub mod batch;
pub mod envelope;
pub mod event;
pub mod input;
pub mod lines;
pub mod parquet;
pub mod parse;
pub mod reader;
pub mod repair;
pub mod restore;
pub mod scan;
pub mod schema;
pub mod stats;

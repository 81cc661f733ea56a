//! Kubernetes audit logs to Arrow: the core of auditwake.

#![deny(unsafe_code)]

pub mod batch;
pub mod checkpoint;
mod edit;
pub mod envelope;
pub mod event;
pub mod follow;
pub mod input;
pub mod lines;
mod output;
pub mod parquet;
pub mod parse;
pub mod payload;
pub mod policy;
pub mod reader;
pub mod repair;
pub mod repeats;
pub mod restore;
#[expect(unsafe_code, reason = "the SIMD kernels, and nothing else")]
pub mod scan;
pub mod schema;
pub mod stats;
pub mod stored;
pub mod tail;

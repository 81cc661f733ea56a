//! One program for nearly all tests: each program is linked with everything below it, which takes longer than its tests.
//!
//! `cargo test --test all twin::` runs those of `twin.rs`. A file of its own stands in `Cargo.toml`, with its reason.

#[path = "common/cells.rs"]
mod cells;
#[path = "oracle/check.rs"]
mod check;
#[path = "lanes/check.rs"]
mod compare;
#[path = "oracle/exact.rs"]
mod exact;
#[path = "common/logs.rs"]
mod logs;
#[path = "strategy/odd.rs"]
mod odd;
mod oracle;
#[path = "common/pass.rs"]
mod pass;
mod strategy;
#[path = "oracle/stream.rs"]
mod stream;

mod apply;
mod cuts;
mod filter;
mod following;
mod fuzzed;
mod hostile;
mod lanes;
mod lossless;
mod parquet;
mod payload;
mod real_logs;
mod reduce;
mod sweeps;
mod twin;

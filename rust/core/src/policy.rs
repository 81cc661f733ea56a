//! Audit policy: kube-apiserver's own answers, one evaluator for all of them, and what a log would have been under one.
//!
//! Semantics: `pkg/audit/policy/checker.go` of k8s.io/apiserver.

pub mod apply;
mod bits;
pub mod columns;
pub mod evaluate;
pub mod explain;
pub mod keys;
pub mod level;
pub mod matcher;
pub mod reach;
pub mod reduce;
pub mod request;
pub mod rewrite;
pub mod rules;
pub mod verdicts;

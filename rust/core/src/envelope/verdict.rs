//! What a record is, in the words of the outcomes.

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least one candidate was handed out, and nothing else in the record was damaged.
    Events,
    /// Whole and well formed, but no audit event; no candidate was handed out.
    Skipped(Skip),
    /// Damaged. Candidates that were handed out before stood whole in front of or beside the damage.
    Rejected(Reject),
}

/// Why a record is no audit event although nothing is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// Nothing but white space.
    Blank,
    /// A run of NUL bytes.
    NulRun,
    /// A line of the component's own log.
    Klog,
    /// A line of `--audit-log-format=legacy`.
    LegacyText,
    /// A Cloud Audit Logs entry of GKE.
    GkeLogEntry,
    /// A `CloudWatch` Logs subscription's check that its destination is there.
    ControlMessage,
    /// Whole JSON of another kind.
    NotAudit,
    /// Brackets and commas around the elements of a list.
    ArrayPunctuation,
    /// A log of Azure with another category.
    OtherCategory,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Blank,
        Self::NulRun,
        Self::Klog,
        Self::LegacyText,
        Self::GkeLogEntry,
        Self::ControlMessage,
        Self::NotAudit,
        Self::ArrayPunctuation,
        Self::OtherCategory,
    ];

    /// The reason's word in counts and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::NulRun => "nul_run",
            Self::Klog => "klog",
            Self::LegacyText => "legacy_text",
            Self::GkeLogEntry => "gke_log_entry",
            Self::ControlMessage => "control_message",
            Self::NotAudit => "not_audit",
            Self::ArrayPunctuation => "array_punctuation",
            Self::OtherCategory => "other_category",
        }
    }

    /// What it is and what to do, in one sentence for people.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Blank => "an empty line; nothing to do",
            Self::NulRun => {
                "a hole of NUL bytes, as logrotate's copytruncate leaves it in a log that is still being \
                 written; let kube-apiserver rotate its log itself (--audit-log-maxsize)"
            }
            Self::Klog => {
                "a line of kube-apiserver's own log (klog), which shares the stream with the audit log; \
                 nothing to do"
            }
            Self::LegacyText => {
                "a line of the legacy text format, which lacks most of an event and is not read; set \
                 --audit-log-format=json on kube-apiserver"
            }
            Self::GkeLogEntry => {
                "a GKE Cloud Audit Logs entry, which is no audit.k8s.io event (no stage, level or groups, \
                 gRPC status codes); query it in Cloud Logging or BigQuery"
            }
            Self::ControlMessage => {
                "a CloudWatch Logs control message, sent to test that the destination is reachable; nothing \
                 to do"
            }
            Self::NotAudit => {
                "whole JSON, but neither an audit.k8s.io event nor something known to wrap one; check that \
                 the file is an audit log"
            }
            Self::ArrayPunctuation => "brackets or commas around the elements of a JSON list; nothing to do",
            Self::OtherCategory => {
                "an Azure resource log of another category; audit events have kube-audit or kube-audit-admin"
            }
        }
    }
}

/// Why a record is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reject {
    /// No JSON, and no text that we know.
    NotJson,
    /// A list or a document of several lines that breaks off or is no valid JSON.
    TornDocument,
    /// A document of several lines that is longer than the longest document.
    DocumentTooLong,
    /// An envelope in an envelope in an envelope, and no end.
    TooDeep,
    /// A string that should hold an event has an invalid escape or a raw control character.
    BadString,
    /// Data that should be base64 is not.
    BadBase64,
    /// Data that should be gzip is cut or damaged.
    BadGzip,
    /// Compressed data that is longer than the longest document.
    InflatedTooLong,
}

impl Reject {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::NotJson,
        Self::TornDocument,
        Self::DocumentTooLong,
        Self::TooDeep,
        Self::BadString,
        Self::BadBase64,
        Self::BadGzip,
        Self::InflatedTooLong,
    ];

    /// The reason's word in counts and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TornDocument => "torn_document",
            Self::DocumentTooLong => "document_too_long",
            Self::TooDeep => "too_deep",
            Self::BadString => "bad_string",
            Self::BadBase64 => "bad_base64",
            Self::BadGzip => "bad_gzip",
            Self::InflatedTooLong => "inflated_too_long",
        }
    }

    /// What it is and what to do, in one sentence for people.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::NotJson => {
                "neither JSON nor a log line that is known; look at its bytes in the quarantine, it may be \
                 the torn part of an event"
            }
            Self::TornDocument => {
                "a list or a document of several lines that breaks off or is no valid JSON; whole items in \
                 front of the damage were read, look for the rest at its source"
            }
            Self::DocumentTooLong => {
                "a document of several lines that is longer than the longest line allowed; whole items in \
                 front of the limit were read, raise the limit to read the rest"
            }
            Self::TooDeep => "more envelopes inside each other than are opened; unwrap the outer ones first",
            Self::BadString => {
                "a log string with an invalid escape or a raw control character; look at what encoded it"
            }
            Self::BadBase64 => "a payload that is no valid base64; fetch it again from its source",
            Self::BadGzip => {
                "a compressed payload that is cut or damaged; whole events in front of the damage were read, \
                 fetch it again from its source"
            }
            Self::InflatedTooLong => {
                "compressed payloads that inflate beyond the longest line allowed; whole events in front of \
                 the limit were read, raise the limit to read the rest"
            }
        }
    }
}

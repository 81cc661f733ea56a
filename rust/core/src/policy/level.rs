//! How much of a request is recorded.

/// An audit level, in kube-apiserver's order: `None` records least (`apis/audit/helpers.go`, `ordLevel`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No event.
    #[default]
    None,
    /// The event without bodies.
    Metadata,
    /// With the request's body.
    Request,
    /// With the bodies of request and response.
    RequestResponse,
}

impl Level {
    /// All levels, in order.
    pub const ALL: [Self; 4] = [Self::None, Self::Metadata, Self::Request, Self::RequestResponse];

    /// The level of a text; one that names none orders as `None`, as it does in kube-apiserver.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Self {
        Self::ALL.into_iter().find(|level| level.as_text().as_bytes() == text).unwrap_or_default()
    }

    /// The level as it stands in events and policies.
    #[must_use]
    pub fn as_text(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

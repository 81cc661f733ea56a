//! How much of a request a policy wants to see.

/// A level of `audit.k8s.io`, from the least to the most: the order is the one of kube-apiserver
/// (k8s.io/apiserver, `pkg/apis/audit/helpers.go`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is written.
    #[default]
    None,
    /// All but the bodies.
    Metadata,
    /// The body of the request as well.
    Request,
    /// Both bodies.
    RequestResponse,
}

impl Level {
    /// Every level, from the least to the most.
    pub const ALL: [Self; 4] = [Self::None, Self::Metadata, Self::Request, Self::RequestResponse];

    /// The level of that name. A text that names none counts as [`Level::None`], as it does for kube-apiserver.
    ///
    /// ```
    /// use auditwake_core::policy::level::Level;
    ///
    /// assert_eq!(Level::from_text("Request"), Level::Request);
    /// assert_eq!(Level::from_text("request"), Level::None);
    /// assert!(Level::Metadata < Level::RequestResponse);
    /// ```
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self::ALL.into_iter().find(|level| level.as_text() == text).unwrap_or_default()
    }

    /// The name in events and policies.
    #[must_use]
    pub const fn as_text(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }

    /// The name as a JSON string.
    #[must_use]
    pub(super) const fn as_json(self) -> &'static str {
        match self {
            Self::None => r#""None""#,
            Self::Metadata => r#""Metadata""#,
            Self::Request => r#""Request""#,
            Self::RequestResponse => r#""RequestResponse""#,
        }
    }
}

//! The rows that a call asks for.

use auditwake_core::batch::filter::{Choice, Filter, Pattern};
use pyo3::prelude::*;

/// What the core reads of `auditwake.Where`.
#[derive(FromPyObject)]
pub(crate) struct Where {
    since: Option<i64>,
    until: Option<i64>,
    codes: Vec<(i16, i16)>,
    verb: Option<Vec<String>>,
    stage: Option<Vec<String>>,
    level: Option<Vec<String>>,
    user: Option<Vec<String>>,
    authenticated: Option<Vec<String>>,
    actor: Option<Vec<String>>,
    namespace: Option<Vec<String>>,
    resource: Option<Vec<String>>,
}

/// The filter of a call; without one all rows are built.
pub(crate) fn filter(asked: Option<&Where>) -> Filter {
    let Some(asked) = asked else { return Filter::default() };
    Filter {
        since: asked.since,
        until: asked.until,
        code: asked.codes.clone(),
        verb: choice::<Pattern>(asked.verb.as_deref()),
        stage: choice(asked.stage.as_deref()),
        level: choice(asked.level.as_deref()),
        user: choice(asked.user.as_deref()),
        authenticated: choice(asked.authenticated.as_deref()),
        actor: choice(asked.actor.as_deref()),
        namespace: choice(asked.namespace.as_deref()),
        resource: choice(asked.resource.as_deref()),
    }
}

fn choice<T: for<'a> From<&'a str>>(texts: Option<&[String]>) -> Choice<T> {
    Choice::new(texts.unwrap_or_default().iter().map(String::as_str))
}

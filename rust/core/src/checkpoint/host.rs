//! Which machine this is: a state directory that came from another one is told by it.

use std::fmt;
#[cfg(unix)]
use std::fs;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::state::Hex;

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Told from all others by this; empty when the system does not say.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Host {
    /// This one. By the machine's ID where there is one, else by its name.
    #[must_use]
    pub fn this() -> Self {
        let name = name().unwrap_or_default();
        let id = machine().map_or_else(|| name.clone(), |machine| digest(&machine));
        Self { id, name }
    }

    /// Whether both are known, and differ.
    pub(super) fn differs(&self, other: &Self) -> bool {
        !self.id.is_empty() && !other.id.is_empty() && self.id != other.id
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name } = self;
        if name.is_empty() || name == id {
            write!(f, "host `{id}`")
        } else {
            write!(f, "host `{name}` ({id})")
        }
    }
}

/// systemd asks that the ID itself be shown to nobody, but a hash of it for each application.
fn digest(machine: &str) -> String {
    let hash = Sha256::digest(format!("auditwake {machine}"));
    Hex(&hash[..8]).to_string()
}

/// The first line of a file, if it has any text.
#[cfg(unix)]
fn line(path: &str) -> Option<String> {
    text(fs::read_to_string(path).ok()?.lines().next()?)
}

fn text(line: &str) -> Option<String> {
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn variable(name: &str) -> Option<String> {
    text(&std::env::var(name).ok()?)
}

/// systemd and D-Bus; images of containers leave it out or empty.
#[cfg(unix)]
fn machine() -> Option<String> {
    // What systemd writes while the machine is set up for the first time.
    line("/etc/machine-id").or_else(|| line("/var/lib/dbus/machine-id")).filter(|id| id != "uninitialized")
}

/// In the registry, which the standard library cannot read.
#[cfg(not(unix))]
fn machine() -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
fn name() -> Option<String> {
    line("/proc/sys/kernel/hostname").or_else(|| line("/etc/hostname")).or_else(|| variable("HOSTNAME"))
}

/// Shells set the variable for themselves and seldom pass it on.
#[cfg(all(unix, not(target_os = "linux")))]
fn name() -> Option<String> {
    let ask = || {
        let said = std::process::Command::new("/bin/hostname").output().ok()?;
        text(&String::from_utf8(said.stdout).ok()?)
    };
    variable("HOSTNAME").or_else(ask)
}

#[cfg(not(unix))]
fn name() -> Option<String> {
    variable("COMPUTERNAME")
}

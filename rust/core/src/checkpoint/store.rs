//! The state directory: `lock`, the slots `offsets.0` and `offsets.1`, and `committed` once there was a first save.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::alarm::{Alarm, Trust};
use super::host::Host;
use super::lock::Lock;
use super::state::{Bad, GENERATIONS, Slot, State, decode, encode};
use crate::output::atomic::{AtomicFile, make_private_directory};

/// Says that offsets were saved in the directory. A file of its own, since a name is there or not, and never half.
const COMMITTED: &str = "committed";

const COMMITTED_TEXT: &str = "\
Offsets were saved here. If offsets.0 and offsets.1 are gone, auditwake reads the logs again and says so.
To begin afresh on purpose, delete the whole directory.
";

/// No state is as long; whatever is, is not read into memory.
const LONGEST: u64 = 256 << 20;

/// A state directory that is open, and locked.
pub struct Store {
    dir: PathBuf,
    lock: Lock,
    host: Host,
    slots: Slots,
    /// What the newest slot holds; `None` when the next save must write whatever it is given.
    saved: Option<State>,
}

/// What a state directory held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The offsets.
    pub state: State,
    /// How much they can be relied on.
    pub trust: Trust,
    /// What a person should hear of.
    pub alarms: Vec<Alarm>,
}

/// Where the next save goes.
#[derive(Clone, Copy, Default)]
struct Slots {
    /// The newest save, or 0.
    generation: u64,
    /// The slot that the next one is written to.
    next: usize,
    /// Slots to move aside before that.
    unusable: [bool; 2],
}

impl Store {
    /// Opens a state directory, makes it if need be, and loads what it holds.
    ///
    /// # Errors
    ///
    /// When someone else has it open, or it cannot be made or locked. Never because of what stands in it.
    pub fn open(dir: &Path) -> Result<(Self, Loaded), CheckpointError> {
        Self::open_on(dir, Host::this())
    }

    /// As on a machine of that name.
    pub(super) fn open_on(dir: &Path, host: Host) -> Result<(Self, Loaded), CheckpointError> {
        let lock = take(dir, &host)?;
        let (slots, loaded) = load(dir, &host);
        let is_as_written =
            loaded.trust == Trust::Good && loaded.alarms.is_empty() && dir.join(COMMITTED).exists();
        let saved = is_as_written.then(|| loaded.state.clone());
        Ok((Self { dir: dir.to_owned(), lock, host, slots, saved }, loaded))
    }

    /// Saves a state: it is durable when this returns. Writes nothing if it is what was saved last.
    ///
    /// # Errors
    ///
    /// When it cannot be written. What was saved before stays, and the next call tries anew.
    pub fn save(&mut self, state: &State) -> Result<(), CheckpointError> {
        if self.saved.as_ref() == Some(state) {
            return Ok(());
        }
        self.hold()?;
        self.set_aside()?;
        let Slots { generation, next, .. } = self.slots;
        let path = slot(&self.dir, next);
        let generation = generation + 1;
        if generation >= GENERATIONS {
            let source = io::Error::other("the saves cannot be counted any further");
            return Err(CheckpointError::io("the state cannot be saved", &path)(source));
        }
        write(&path, &encode(state, generation, &self.host))?;
        // After the slot, so that a directory with no slot and with this file has lost something. Before the caller
        // hears that the state is saved.
        let committed = self.dir.join(COMMITTED);
        if !committed.exists() {
            write(&committed, COMMITTED_TEXT.as_bytes())?;
        }
        self.slots = Slots { generation, next: 1 - next, ..self.slots };
        self.saved = Some(state.clone());
        Ok(())
    }

    /// Takes the lock again if the directory was removed meanwhile.
    fn hold(&mut self) -> Result<(), CheckpointError> {
        if self.lock.is_held() {
            return Ok(());
        }
        self.lock = take(&self.dir, &self.host)?;
        let generation = self.slots.generation;
        self.slots = load(&self.dir, &self.host).0;
        self.slots.generation = self.slots.generation.max(generation);
        Ok(())
    }

    /// Keeps what cannot be used. Both at once, so that a newer auditwake does not find an older save of its own beside
    /// ours.
    fn set_aside(&mut self) -> Result<(), CheckpointError> {
        for at in 0..2 {
            if !self.slots.unusable[at] {
                continue;
            }
            let path = slot(&self.dir, at);
            let moved = match fs::rename(&path, aside(&self.dir, at)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                moved => moved,
            };
            moved.map_err(CheckpointError::io("the unusable state cannot be moved aside", &path))?;
            self.slots.unusable[at] = false;
        }
        Ok(())
    }
}

fn take(dir: &Path, host: &Host) -> Result<Lock, CheckpointError> {
    make_private_directory(dir).map_err(CheckpointError::io("the state directory cannot be made", dir))?;
    Lock::take(dir, host)
}

fn slot(dir: &Path, at: usize) -> PathBuf {
    dir.join(["offsets.0", "offsets.1"][at])
}

fn aside(dir: &Path, at: usize) -> PathBuf {
    dir.join(["offsets.0.unusable", "offsets.1.unusable"][at])
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let write = || {
        let mut file = AtomicFile::create(path)?;
        file.write_all(bytes)?;
        file.finish()
    };
    write().map_err(CheckpointError::io("the state cannot be saved", path))
}

/// A slot's content; `None` if there is no such file.
fn read(path: &Path) -> Result<Option<Slot>, Bad> {
    let refused = |error: &io::Error| Bad::Unreadable(error.to_string());
    match fs::metadata(path) {
        // To open a pipe would wait for whoever writes to it.
        Ok(found) if !found.is_file() || found.len() > LONGEST => return Err(Bad::NotOurs),
        Ok(_) => {}
        // A link to nothing is not nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
        Err(error) => return Err(refused(&error)),
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| refused(&error))?;
    decode(&bytes).map(Some)
}

/// What the two slots hold.
fn load(dir: &Path, host: &Host) -> (Slots, Loaded) {
    let paths = [slot(dir, 0), slot(dir, 1)];
    let found = paths.each_ref().map(|path| read(path));
    let generations = found.each_ref().map(|slot| slot.as_ref().ok()?.as_ref().map(|slot| slot.generation));
    let newest = usize::from(generations[1] > generations[0]);
    let slots = Slots {
        generation: generations[newest].unwrap_or_default(),
        next: 1 - newest,
        unusable: found.each_ref().map(Result::is_err),
    };
    let trust = trust(generations, slots.unusable, dir.join(COMMITTED).exists());
    let mut loaded = Loaded { state: State::default(), trust, alarms: Vec::new() };
    if let [Some(older), Some(newer)] = [generations[1 - newest], generations[newest]]
        && trust == Trust::Previous
    {
        loaded.alarms.push(Alarm::out_of_step(dir.to_owned(), older, newer));
    }
    let is_missed = matches!(trust, Trust::Previous | Trust::Lost) && slots.unusable == [false; 2];
    for (at, (slot, path)) in found.into_iter().zip(paths).enumerate() {
        match slot {
            Ok(Some(slot)) if at == newest => {
                if slot.host.differs(host) {
                    loaded.alarms.push(Alarm::other_host(path, &slot.host, host));
                }
                loaded.state = slot.state;
            }
            Ok(None) if is_missed => loaded.alarms.push(Alarm::missing(path, trust)),
            Ok(_) => {}
            Err(bad) => loaded.alarms.push(Alarm::unusable(path, &aside(dir, at), &bad, trust)),
        }
    }
    (slots, loaded)
}

/// By the generations of the slots that can be used, those that cannot, and whether there was ever a save.
fn trust(generations: [Option<u64>; 2], unusable: [bool; 2], is_known: bool) -> Trust {
    match generations {
        [None, None] if is_known || unusable.contains(&true) => Trust::Lost,
        [None, None] => Trust::Fresh,
        // Saves are written to the two in turn.
        [Some(a), Some(b)] if a.abs_diff(b) == 1 => Trust::Good,
        // After the first save there is one.
        [Some(1), None] | [None, Some(1)] if unusable == [false; 2] => Trust::Good,
        _ => Trust::Previous,
    }
}

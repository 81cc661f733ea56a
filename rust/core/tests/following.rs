//! A log under every kind of rotation, deletion and crash, beside a plain model of it.

mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use auditwake_core::batch::Limits;
use auditwake_core::follow::{Follow, Next, Options, Receipt};
use auditwake_core::reader;
use auditwake_core::schema::Selection;
use auditwake_core::tail::events::Gap;
use auditwake_core::tail::loss::Retention;
use auditwake_core::tail::stream::Start;
use proptest::prelude::*;

use world::{Act, World};

/// What is done to the log, or by whoever follows it.
#[derive(Clone, Debug)]
enum Step {
    World(Act),
    /// Takes up to so many batches.
    Poll(u8),
    /// Acknowledges everything, the newest first or the oldest first.
    Commit {
        backwards: bool,
    },
    /// Ends without a word, and begins again.
    Crash,
    /// Acknowledges everything, ends and begins again.
    Restart,
    /// Keeps the checkpoint together with what came, acknowledges nothing, ends, and goes on from the checkpoint; the state
    /// directory is lost meanwhile, or says what it said.
    Resume {
        lost: bool,
    },
    /// Damages the newest slot of the state, or both, while nobody runs.
    Corrupt {
        both: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        8 => (1_u8..6).prop_map(Act::Write),
        2 => Just(Act::Half),
        4 => Just(Act::Rotate),
        2 => Just(Act::BeginGzip),
        2 => Just(Act::EndGzip),
        1 => Just(Act::DeleteOldest),
        1 => Just(Act::Truncate),
        1 => Just(Act::BeginCopy),
        1 => Just(Act::EndCopy),
        1 => Just(Act::Recreate),
    ];
    let step = prop_oneof![
        20 => act.prop_map(Step::World),
        10 => (1_u8..5).prop_map(Step::Poll),
        5 => any::<bool>().prop_map(|backwards| Step::Commit { backwards }),
        2 => Just(Step::Crash),
        2 => Just(Step::Restart),
        2 => any::<bool>().prop_map(|lost| Step::Resume { lost }),
        1 => any::<bool>().prop_map(|both| Step::Corrupt { both }),
    ];
    prop::collection::vec(step, 1..60)
}

/// Follows the log and counts what comes.
struct Follower {
    options: Options,
    follow: Option<Follow>,
    /// Virtual: nothing waits.
    now: Instant,
    /// Batches that were handed out and not acknowledged, with their lines.
    open: Vec<(Receipt, Vec<usize>)>,
    /// Lines since the last start.
    since_start: Vec<usize>,
    /// How often each line came, and how often it may.
    came: Vec<u32>,
    may: Vec<u32>,
    gaps: Vec<Gap>,
    /// For each content the lines in front of which all were seen to stand in it: by the one that runs, and what it has
    /// left to the next.
    seen: Vec<usize>,
    saved: Vec<usize>,
    /// What was seen by the end.
    missed: Vec<usize>,
    crashed: bool,
    alarms: usize,
}

impl Follower {
    fn new(dir: &Path, threads: usize, rows: usize) -> Self {
        let mut read = reader::Options {
            selection: Selection::new(Some(&["audit_id".to_owned()]), true).unwrap(),
            ..reader::Options::default()
        };
        read.limits = Limits { rows, bytes: 1 << 20, ..Limits::default() };
        read.lines.buffer = 1 << 12;
        let options = Options {
            specs: vec![dir.join("audit.log").to_string_lossy().into_owned()],
            exclude: Vec::new(),
            backups: None,
            follow: true,
            start: Start::Beginning,
            read,
            age: Duration::ZERO,
            threads,
            resume: None,
            state: Some(dir.join("state")),
            retention: Retention::default(),
        };
        let follow = Follow::new(options.clone()).unwrap();
        Self {
            options,
            follow: Some(follow),
            now: Instant::now(),
            open: Vec::new(),
            since_start: Vec::new(),
            came: Vec::new(),
            may: Vec::new(),
            gaps: Vec::new(),
            seen: Vec::new(),
            saved: Vec::new(),
            missed: Vec::new(),
            crashed: false,
            alarms: 0,
        }
    }

    /// A look sees what stands in all files that are there.
    fn look(&mut self, world: &World) {
        self.seen.resize(world.contents.len(), 0);
        for (seen, content) in self.seen.iter_mut().zip(&world.contents) {
            if !content.deleted {
                *seen = world.lines.len();
            }
        }
    }

    fn poll(&mut self, batches: usize) -> usize {
        let mut taken = 0;
        let follow = self.follow.as_mut().unwrap();
        for _ in 0..batches {
            self.now += Duration::from_millis(1500);
            let next = follow.try_next(self.now, Duration::from_secs(10)).unwrap();
            let Next::Batch(batch) = next else { continue };
            taken += 1;
            let ids = batch.batch.column(0).as_string::<i32>();
            let lines: Vec<usize> = ids.iter().map(|id| id.unwrap().parse().unwrap()).collect();
            for &line in &lines {
                let known = self.came.len().max(line + 1);
                self.came.resize(known, 0);
                self.may.resize(known, 1);
                self.came[line] += 1;
            }
            self.since_start.extend(&lines);
            self.open.push((batch.receipt, lines));
        }
        taken
    }

    fn commit(&mut self, backwards: bool) {
        let ledger = self.follow.as_ref().unwrap().ledger();
        if !self.open.is_empty() {
            self.saved.clone_from(&self.seen);
        }
        let mut open = std::mem::take(&mut self.open);
        if backwards {
            open.reverse();
        }
        for (receipt, _) in open {
            ledger.commit(receipt).unwrap();
        }
    }

    fn stop(&mut self) {
        let follow = self.follow.take().unwrap();
        self.gaps.extend(follow.gaps());
        for (_, lines) in self.open.drain(..) {
            for line in lines {
                self.may[line] += 1;
            }
        }
        self.seen.clone_from(&self.saved);
        check_order(&self.since_start);
        self.since_start.clear();
    }

    fn start(&mut self) {
        let follow = Follow::new(self.options.clone()).unwrap();
        self.alarms += follow.events().iter().filter(|event| event.kind == "state").count();
        self.follow = Some(follow);
    }

    fn crash(&mut self) {
        self.crashed |= !self.open.is_empty();
        self.stop();
        self.start();
    }

    fn resume(&mut self, lost: bool) {
        let checkpoint = self.follow.as_ref().unwrap().ledger().checkpoint();
        self.saved.clone_from(&self.seen);
        self.open.clear();
        self.stop();
        if lost {
            fs::remove_dir_all(self.options.state.as_ref().unwrap()).unwrap();
        }
        self.options.resume = Some(checkpoint);
        self.start();
        self.options.resume = None;
    }

    fn corrupt(&mut self, both: bool) {
        self.commit(false);
        self.stop();
        let state = self.options.state.clone().unwrap();
        let mut slots: Vec<PathBuf> = (0..2).map(|slot| state.join(format!("offsets.{slot}"))).collect();
        slots.retain(|slot| slot.exists());
        slots.sort_by_key(|slot| generation(slot));
        let hurt = if both { slots.len() } else { 1 };
        let any = !slots.is_empty();
        for slot in slots.iter().rev().take(hurt) {
            let bytes = fs::read(slot).unwrap();
            fs::write(slot, &bytes[..bytes.len() / 2]).unwrap();
        }
        let before = self.alarms;
        self.start();
        assert!(!any || self.alarms > before, "a damaged state says so");
        if any {
            self.seen.clear();
            self.saved.clear();
            self.may.iter_mut().for_each(|may| *may += 1);
            self.crashed = true;
        }
    }

    /// Takes everything that comes within a long time.
    fn drain(&mut self) {
        let mut quiet = 0;
        while quiet < 12 {
            quiet = if self.poll(1) == 0 { quiet + 1 } else { 0 };
        }
    }
}

fn generation(slot: &Path) -> u64 {
    let text = fs::read_to_string(slot).unwrap();
    text.split(' ').nth(2).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn check_order(lines: &[usize]) {
    assert!(lines.is_sorted_by(|a, b| a < b), "in order, and none twice in a row: {lines:?}");
}

fn check(world: &World, follower: &Follower) {
    let mut undelivered: Vec<u64> = world.contents.iter().map(|content| content.torn).collect();
    let mut lost = BTreeSet::new();
    for (number, line) in world.lines.iter().enumerate() {
        let Some(line) = line else { continue };
        let came = follower.came.get(number).copied().unwrap_or(0);
        if came == 0 {
            let content = &world.contents[line.content];
            assert!(content.deleted, "line {number} stands in {:?} and did not come", content.names);
            undelivered[line.content] += line.len;
            if follower.missed.get(line.content).is_some_and(|seen| number < *seen) {
                lost.insert(line.content);
            }
        } else {
            let may = follower.may[number];
            assert!(came <= may, "line {number} came {came} times, {may} are allowed");
        }
    }
    for content in lost {
        let names = &world.contents[content].names;
        let told = |gap: &&Gap| !gap.certain || names.contains(&gap.file);
        assert!(follower.gaps.iter().any(|gap| told(&gap)), "a loss in {names:?} was not told");
    }
    for gap in follower.gaps.iter().filter(|gap| gap.certain) {
        let of_it =
            world.contents.iter().enumerate().filter(|(_, content)| content.names.contains(&gap.file));
        let really = of_it.map(|(index, content)| content.deleted && undelivered[index] > 0);
        let really = really.fold(false, |any, one| any | one);
        assert!(really || follower.crashed, "nothing was lost, but {gap:?} was told");
    }
}

fn run(steps: &[Step], append: bool, threads: usize, rows: usize) {
    static RUNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let run = RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("auditwake-follow-{}-{run}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let mut world = World::new(&dir, append);
    let mut follower = Follower::new(&dir, threads, rows);
    for step in steps {
        match step {
            Step::World(act) => world.act(act),
            Step::Poll(batches) => {
                follower.look(&world);
                follower.poll(usize::from(*batches));
            }
            Step::Commit { backwards } => follower.commit(*backwards),
            Step::Crash => follower.crash(),
            Step::Restart => {
                follower.commit(false);
                follower.stop();
                follower.start();
            }
            Step::Resume { lost } => follower.resume(*lost),
            Step::Corrupt { both } => follower.corrupt(*both),
        }
    }
    follower.missed.clone_from(&follower.seen);
    follower.drain();
    follower.commit(true);
    follower.stop();
    check(&world, &follower);
    // Everything was acknowledged: nothing comes again.
    follower.start();
    assert_eq!(follower.poll(10), 0, "what was acknowledged came again");
    drop(follower);
    fs::remove_dir_all(&dir).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_comes_and_every_loss_is_told(
        steps in steps(),
        append in any::<bool>(),
        threads in 1_usize..3,
        rows in prop_oneof![Just(1_usize), Just(3), Just(100)],
    ) {
        run(&steps, append, threads, rows);
    }
}

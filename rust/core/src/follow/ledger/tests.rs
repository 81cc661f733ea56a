use proptest::prelude::*;

use super::*;

fn mark(file: u64, offset: u64) -> Mark {
    let bytes = [file as u8 + 1; 8];
    Mark {
        path: PathBuf::from(format!("audit-{file}.log")),
        key: None,
        head: Fingerprint::of(&bytes),
        offset,
        marker: Fingerprint::of(&offset.to_le_bytes()),
        size: 1000,
    }
}

/// The acknowledged offsets by file, as the state has them.
fn offsets(ledger: &Ledger) -> Vec<(FileId, u64)> {
    ledger.lock().lanes[0].files.iter().map(|(id, mark)| (*id, mark.offset)).collect()
}

proptest! {
    /// Each batch is of a file and has some bytes; files come one after the other.
    #[test]
    fn the_offset_is_the_end_of_the_acknowledged_prefix(
        batches in prop::collection::vec((any::<bool>(), 1_u64..50), 1..20),
        order in any::<u64>(),
        acknowledged in 0_usize..40,
    ) {
        let ledger = Ledger::new(None, State::default());
        ledger.open("log".to_owned());
        let (mut file, mut end) = (0, 0);
        let mut receipts = Vec::new();
        let mut places = Vec::new();
        for &(next, bytes) in &batches {
            if next {
                (file, end) = (file + 1, 0);
            }
            let start = end;
            end += bytes;
            receipts.push(ledger.hand_out(0, FileId(file), &mark(file, end), start));
            places.push((FileId(file), end));
        }
        // Some order in which others may acknowledge, the same batch twice included.
        let mut done = vec![false; batches.len()];
        let mut last = offsets(&ledger);
        for step in 0..acknowledged {
            let place = (order.wrapping_mul(2 * step as u64 + 1) >> 7) as usize % batches.len();
            ledger.commit(receipts[place]).unwrap();
            done[place] = true;
            let now = offsets(&ledger);
            for (id, offset) in &last {
                let later = now.iter().find(|(other, _)| other == id).unwrap();
                prop_assert!(later.1 >= *offset, "an offset went back");
            }
            last = now;
        }
        let prefix = done.iter().take_while(|done| **done).count();
        for (id, offset) in last {
            let reached = places[..prefix].iter().rfind(|(other, _)| *other == id).map_or(0, |place| place.1);
            prop_assert_eq!(offset, reached);
        }
        ledger.commit_all().unwrap();
        prop_assert_eq!(ledger.uncommitted(0), 0);
    }
}

#[test]
fn the_mark_of_a_file_that_is_gone_stays_while_a_batch_of_it_is_pending() {
    let ledger = Ledger::new(None, State::default());
    ledger.open("log".to_owned());
    let first = ledger.hand_out(0, FileId(1), &mark(1, 10), 0);
    let second = ledger.hand_out(0, FileId(2), &mark(2, 10), 0);
    ledger.forget(0, vec![FileId(1)]);
    ledger.commit(second).unwrap();
    assert_eq!(offsets(&ledger), [(FileId(1), 0), (FileId(2), 0)]);
    ledger.commit(first).unwrap();
    assert_eq!(offsets(&ledger), [(FileId(2), 10)]);
}

#[test]
fn nothing_is_acknowledged_behind_the_end() {
    let ledger = Ledger::new(None, State::default());
    ledger.open("log".to_owned());
    let receipt = ledger.hand_out(0, FileId(1), &mark(1, 10), 0);
    ledger.close();
    assert!(matches!(ledger.commit(receipt), Err(CheckpointError::Closed)));
}

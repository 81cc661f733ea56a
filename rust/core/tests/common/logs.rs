//! The real logs in `tests/data`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use auditwake_core::input::discover::discover;
use auditwake_core::input::open::decode;

/// The decoded text of all files of a log, in the order of time.
pub(crate) fn text_of(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    let mut text = Vec::new();
    for file in discover(path.to_str().unwrap()).unwrap() {
        decode(Box::new(File::open(file).unwrap())).unwrap().read_to_end(&mut text).unwrap();
    }
    text
}

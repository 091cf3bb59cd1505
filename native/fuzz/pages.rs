//! Coverage-guided fuzzing of the decoder: any bytes are refused or become arrays that hold what Arrow promises.
//!
//! The first byte chooses options; pages stand between lines of `---`. `python -m native.fuzz` builds and runs it.

#![no_main]

use std::collections::{HashMap, HashSet};

use arrow_array::Array;
use flowservice_native::{Decoder, Kind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((options, data)) = data.split_first() else { return };
    let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<HashSet<String>>();
    let wanted = if options & 1 == 0 { None } else { Some(names(&["a", "Timestamp", "revenue"])) };
    let declared = if options & 2 == 0 {
        HashMap::new()
    } else {
        HashMap::from([("a".to_owned(), Kind::Int64), ("b".to_owned(), Kind::DateTime), ("c".to_owned(), Kind::Binary)])
    };
    let mut decoder = Decoder::new(wanted, declared);
    let mut rows = 0;
    for page in split(data) {
        let before = decoder.rows();
        match decoder.add(page) {
            Ok(added) => rows += added,
            Err(_) => assert_eq!(decoder.rows(), before),
        }
        assert_eq!(decoder.rows(), rows);
        let _ = decoder.last_key();
        if options & 4 != 0 {
            finish(&mut decoder, rows);
            rows = 0;
        }
    }
    finish(&mut decoder, rows);
    assert_eq!(decoder.rows(), 0);
});

fn finish(decoder: &mut Decoder, rows: usize) {
    let (columns, found) = decoder.finish();
    assert_eq!(found, rows);
    for column in columns {
        assert_eq!(column.values.len(), rows);
        assert!(column.values.null_count() < rows);
        column.values.to_data().validate_full().expect("arrays are whole");
    }
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    const BETWEEN: &[u8] = b"\n---\n";
    let (mut pages, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        pages.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    pages.push(rest);
    pages
}

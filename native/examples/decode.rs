//! Decodes pages from files, for counting instructions: `decode ROUNDS FILE…`. Prints the rows of one round.

use std::collections::HashMap;

use flowservice_native::Decoder;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().and_then(|text| text.parse().ok()).expect("decode ROUNDS FILE…");
    let pages: Vec<Vec<u8>> = arguments.map(|path| std::fs::read(path).expect("a readable file")).collect();
    let mut decoder = Decoder::new(None, HashMap::new());
    let mut rows = 0;
    for _ in 0..rounds {
        rows = 0;
        for page in &pages {
            rows += decoder.add(page).expect("a good page");
            if decoder.rows() >= 8000 {
                std::hint::black_box(decoder.finish());
            }
        }
        std::hint::black_box(decoder.finish());
    }
    println!("{rows}");
}

//! Times the products of a small language model: `matmul [types] [threads]`, for example `matmul q8_0,q4_0 1,2`.
//!
//! For each type and number of threads it prints the bytes of the weights, decode steps and prefilled tokens a second
//! as far as products alone go, and what that means in GB/s and in giga-operations a second.

mod smollm;

use std::time::Instant;

use dynasty_cpu::pool::Pool;
use format::QuantType;

fn main() {
    let start = Instant::now();
    let clock = move || start.elapsed().as_secs_f64();
    let mut arguments = std::env::args().skip(1);
    let types = arguments.next().unwrap_or("q8_0,q4_0".into());
    let threads = arguments.next().unwrap_or("1,2".into());
    let (error, kernel) = smollm::worst_error(&Pool::new(2));
    println!("largest NMSE {error:.1e}, {kernel}");
    for ty in types.split(',').filter_map(QuantType::parse) {
        if 576 % ty.block_len() != 0 {
            println!("{ty}: rows of 576 are not whole blocks");
            continue;
        }
        let tokens = 128;
        let mut model = smollm::Model::new(ty, tokens);
        for threads in threads.split(',').filter_map(|threads| threads.parse().ok()) {
            let pool = Pool::new(threads);
            let decode = model.step_seconds(&pool, 1, 10, &clock);
            let prefill = model.step_seconds(&pool, tokens, 3, &clock);
            println!(
                "{:18} {threads} threads: {:4} MB, decode {:6.1}/s ({:5.1} GB/s), prefill of {tokens} {:6.0}/s ({:5.0} GOP/s)",
                model.kernel(),
                model.bytes() / 1_000_000,
                1.0 / decode,
                model.bytes() as f64 / decode / 1e9,
                tokens as f64 / prefill,
                2.0 * 106.2e6 * tokens as f64 / prefill / 1e9,
            );
        }
    }
}

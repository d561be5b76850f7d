//! The suites in a page.

use dynasty_tests::Executor;
use gpu::Kernels;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::suite::Suite;
use crate::{SUITES, expected};

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// The life of a helper worker of the module with threads: takes part in every computation and never comes back.
#[wasm_bindgen]
pub fn pool_worker(_index: usize) {
    cpu::pool::serve();
}

/// The instructions that multiply weights here, as in `relaxed-simd128`.
#[wasm_bindgen]
pub fn instructions() -> String {
    cpu::matrix::Target::best().name().to_owned()
}

/// The names of all suites.
#[wasm_bindgen]
pub fn suites() -> Vec<String> {
    SUITES.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Plays a suite on the processor with 1 to `threads` threads and, if `webgpu`, on both kinds of kernels for the GPU.
/// `wanted` is what the reference says. Returns what each failure says.
///
/// # Errors
/// There is no such suite, or `wanted` belongs to other cases.
#[wasm_bindgen]
pub async fn play(name: String, wanted: Vec<u8>, threads: usize, webgpu: bool) -> Result<Vec<String>, String> {
    let mut executors: Vec<_> = (1..=threads).map(Executor::Cpu).collect();
    if webgpu {
        executors.extend([Kernels::Plain, Kernels::Wide].map(Executor::Gpu));
    }
    let &(name, cases) = SUITES.iter().find(|suite| suite.0 == name).ok_or_else(|| format!("no suite {name}"))?;
    let suite = Suite::draw(name, cases);
    let (digests, wanted): (Vec<_>, Vec<_>) = expected::read(&wanted)?.into_iter().unzip();
    if digests.is_empty() || digests != suite.digests() {
        return Err(format!("{name}: the native tests drew other cases or values"));
    }
    let wanted: Vec<_> = wanted.into_iter().map(Ok).collect();
    Ok(suite.failures(&executors, &wanted).await)
}

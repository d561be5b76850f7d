//! [`matmul`](matmul.rs) as a WebAssembly module, for `matmul_wasm.mjs` to run.
#![cfg(target_family = "wasm")]
#![expect(missing_docs, clippy::missing_safety_doc, reason = "called by name from a script")]
#![expect(unsafe_code, reason = "functions are called by their names, by one thread")]

mod smollm;

use std::sync::Mutex;

use dynasty_cpu::pool::{self, Pool};
use format::QuantType;

static MODEL: Mutex<Option<smollm::Model>> = Mutex::new(None);

mod host {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        /// Seconds.
        pub safe fn now() -> f64;
    }
}

/// The largest normalised mean squared error of the kernels.
#[unsafe(no_mangle)]
pub extern "C" fn worst_error(threads: usize) -> f64 {
    smollm::worst_error(&Pool::new(threads)).0
}

/// Makes a model of a type, by GGUF's number; gives the bytes of its weights.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(ty: u32, rows: usize) -> f64 {
    let Ok(mut model) = MODEL.lock() else { return 0.0 };
    *model = None;
    *model = QuantType::from_ggml_id(ty).map(|ty| smollm::Model::new(ty, rows));
    model.as_ref().map_or(0.0, |model| model.bytes() as f64)
}

/// Seconds of a step over `m` tokens.
#[unsafe(no_mangle)]
pub extern "C" fn step_seconds(threads: usize, m: usize, runs: usize) -> f64 {
    let pool = Pool::new(threads);
    let Ok(mut model) = MODEL.lock() else { return 0.0 };
    model.as_mut().map_or(0.0, |model| model.step_seconds(&pool, m, runs, &|| host::now()))
}

/// The life of a worker.
#[unsafe(no_mangle)]
pub extern "C" fn serve() {
    pool::serve();
}

/// Memory for the stack and the thread-local variables of a worker.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(bytes: usize) -> *mut u64 {
    vec![0u64; bytes / 8].leak().as_mut_ptr()
}

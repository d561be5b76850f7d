//! The one place that waits for the GPU.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::{Gpu, lock};

#[derive(Default)]
struct Answer {
    result: Option<Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}

/// Resolves when the buffer is mapped.
struct Mapped(Arc<Mutex<Answer>>);

impl Future for Mapped {
    type Output = Result<(), wgpu::BufferAsyncError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = lock(&self.0);
        match answer.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                answer.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Maps the first `size` bytes of `buffer`, hands them to `read`, and unmaps.
///
/// # Errors
/// The device reported a fault, or is lost.
pub(crate) async fn read<T>(
    gpu: &Gpu,
    buffer: &wgpu::Buffer,
    size: u64,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T, Error> {
    let answer = Arc::new(Mutex::new(Answer::default()));
    let told = answer.clone();
    buffer.slice(..size).map_async(wgpu::MapMode::Read, move |result| {
        let mut answer = lock(&told);
        answer.result = Some(result);
        if let Some(waker) = answer.waker.take() {
            waker.wake();
        }
    });
    // Natively this waits for the device; in a page it does nothing and the event loop answers.
    let waited = gpu.device.poll(wgpu::PollType::wait_indefinitely());
    if waited.is_ok() || cfg!(target_arch = "wasm32") {
        let mapped = Mapped(answer).await;
        gpu.check()?;
        // A map that is refused without a fault was cut off by the loss of the device.
        mapped.map_err(|e| Error::Lost { reason: format!("mapping for reading: {e}") })?;
    } else {
        gpu.check()?;
        return Err(Error::Lost { reason: "waiting for the device failed".into() });
    }
    let view = buffer
        .slice(..size)
        .get_mapped_range()
        .map_err(|e| Error::Refused { reason: format!("reading a mapped range: {e}") })?;
    let value = read(&view);
    drop(view);
    buffer.unmap();
    gpu.check()?;
    Ok(value)
}

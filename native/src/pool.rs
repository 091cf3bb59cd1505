//! Buffers that come back: a fresh one costs a page fault for each 4 KiB, which was a quarter of the time.

use std::sync::{Arc, Mutex};

use arrow_buffer::{ArrowNativeType, Buffer};

/// Bytes that wait in a pool at most; what comes back beyond that is freed.
const MOST_BYTES: usize = 64 << 20;
/// Smaller ones are not worth it.
const LEAST_BYTES: usize = 16 << 10;

/// A type that buffers are made of.
pub trait Pooled: ArrowNativeType + Send + Sync {
    fn pool() -> &'static Mutex<Pool<Self>>;
}

pub struct Pool<T> {
    free: Vec<Vec<T>>,
    bytes: usize,
}

impl<T> Pool<T> {
    const fn new() -> Self {
        Pool { free: Vec::new(), bytes: 0 }
    }
}

macro_rules! pooled {
    ($($type:ty),*) => {$(
        impl Pooled for $type {
            fn pool() -> &'static Mutex<Pool<Self>> {
                static POOL: Mutex<Pool<$type>> = Mutex::new(Pool::new());
                &POOL
            }
        }
    )*};
}

pooled!(u8, i32, i64, f64);

/// An empty buffer with room for `capacity` elements, used before if there is one that is neither too small nor far too
/// large.
pub fn take<T: Pooled>(capacity: usize) -> Vec<T> {
    let bytes = capacity * size_of::<T>();
    if bytes >= LEAST_BYTES
        && let Ok(mut pool) = T::pool().lock()
    {
        let fits = |free: &Vec<T>| free.capacity() >= capacity && free.capacity() <= 4 * capacity;
        if let Some(at) = pool.free.iter().rposition(fits) {
            let buffer = pool.free.swap_remove(at);
            pool.bytes -= buffer.capacity() * size_of::<T>();
            return buffer;
        }
    }
    Vec::with_capacity(capacity)
}

fn put_back<T: Pooled>(mut buffer: Vec<T>) {
    let bytes = buffer.capacity() * size_of::<T>();
    if bytes < LEAST_BYTES {
        return;
    }
    if let Ok(mut pool) = T::pool().lock()
        && pool.bytes + bytes <= MOST_BYTES
    {
        buffer.clear();
        pool.bytes += bytes;
        pool.free.push(buffer);
    }
}

/// Owns what an Arrow buffer shows, until the last array of it is gone.
struct Lent<T: Pooled>(Vec<T>);

impl<T: Pooled> Drop for Lent<T> {
    fn drop(&mut self) {
        put_back(std::mem::take(&mut self.0));
    }
}

/// `values` as an Arrow buffer that goes back to the pool.
pub fn lend<T: Pooled + std::panic::RefUnwindSafe>(values: Vec<T>) -> Buffer {
    let length = values.len() * size_of::<T>();
    let lent = Arc::new(Lent(values));
    let Some(start) = std::ptr::NonNull::new(lent.0.as_ptr().cast_mut().cast::<u8>()) else {
        return Buffer::from_vec(Vec::<T>::new());
    };
    // SAFETY: `start` is the beginning of `length` initialized bytes, which nobody changes while `lent` owns them.
    unsafe { Buffer::from_custom_allocation(start, length, lent) }
}

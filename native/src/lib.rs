//! Pages of Azure tables to Arrow, in one pass.
//!
//! What values become is said once, in the module `decoder` of the Python package's connector `azure_table`; this crate
//! and the portable decoder there do the same, value for value.

mod column;
mod decoder;
mod edm;
mod json;
mod pattern;
mod pool;
#[cfg(feature = "python")]
mod python;
mod text;

pub use decoder::{Decoded, Decoder, Fault};
pub use edm::Kind;

//! Where in the inputs the bytes of something lie.

/// A run of bytes of one input, from which they can be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Index of the input.
    pub input: u32,
    /// Offset of the first byte in the (decompressed) input.
    pub offset: u64,
    /// Number of bytes.
    pub length: u32,
}

/// Bytes as two lower-case hexadecimal digits each, as names, tags and statuses carry digests.
pub fn hex<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| scim_operator::scim::fuzzing::bulk(input));

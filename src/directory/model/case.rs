/// Scenarios by the sentences that they prove. In tests each is one; elsewhere they are a list.
macro_rules! cases {
    ($(fn $name:ident() $scenario:block)*) => {
        $(fn $name() -> super::scenario::Scenario $scenario)*

        #[cfg(not(test))]
        pub const CASES: &[super::case::Case] = &[$((stringify!($name), $name)),*];

        #[cfg(test)]
        mod tests {
            $(#[test]
            fn $name() {
                super::super::case::prove(&super::$name());
            })*
        }
    };
}

/// The name of a scenario, and what makes it.
#[cfg(not(test))]
pub type Case = (&'static str, fn() -> super::scenario::Scenario);

/// Explores a small scenario in full.
#[cfg(test)]
pub fn prove(scenario: &super::scenario::Scenario) {
    let outcome = scenario.search(1_000_000, 1);
    println!("{outcome}");
    if let Err(difference) = scenario.judge(&outcome) {
        panic!("{difference}");
    }
    assert!(outcome.is_decided(), "the scenario is too large for a test; move it to large.rs");
}

//! How a provider's requests are read: one table of switches, from which the documentation's is made.

/// How far a provider's requests may stray from the letter of the RFCs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// What identity providers really send.
    #[default]
    Compat,
    /// RFC 7644 to the letter.
    Strict,
    /// The IPSIE AL SCIM 2.0 profile of OpenID (draft 00,
    /// <https://openid.net/specs/ipsie-al-scim-profile-1_0.html>), and the SCIM 2.0 interoperability profile that it
    /// stands on (draft-zollner-scim-interop-profile).
    Ipsie,
}

impl Mode {
    /// Every mode, in the order of the table's columns.
    pub const ALL: [Self; 3] = [Self::Compat, Self::Strict, Self::Ipsie];

    /// What this mode does wherever modes differ.
    pub fn switches(self) -> &'static Switches {
        match self {
            Self::Compat => &COMPAT,
            Self::Strict => &STRICT,
            Self::Ipsie => &IPSIE,
        }
    }
}

/// Declares the switches: for each the field, where it applies, its values with what each does, and the
/// reason why modes differ.
macro_rules! switches {
    ($($field:ident: $switch:ident, $place:literal, { $($value:ident = $effect:literal,)+ }, because $reason:literal;)+) => {
        $(
            #[doc = concat!("What becomes of: ", $place, ".")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $switch {
                $(#[doc = concat!($effect, ".")] $value,)+
            }
        )+

        /// Everything in which the modes differ. Code asks a switch, never the mode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Switches {
            $(#[doc = concat!($place, ": ", $reason, ".")] pub $field: $switch,)+
        }

        /// The switches as a Markdown table: where, what each mode does, why they differ.
        pub fn table() -> String {
            let mut table = String::from("| where modes differ | Compat | Strict | Ipsie | why |\n|---|---|---|---|---|\n");
            $({
                let [compat, strict, ipsie] = Mode::ALL.map(|mode| match mode.switches().$field {
                    $($switch::$value => $effect,)+
                });
                table += &format!("| {} | {compat} | {strict} | {ipsie} | {} |\n", $place, $reason);
            })+
            table
        }
    };
}

switches! {
    unknown_in_body: UnknownInBody, "an unknown attribute in a body, a PATCH, a bulk request, their operations or a `.search` (of a member `display` and `primary` are known, and not kept)", {
        Ignore = "ignored",
        Refuse = "400 invalidSyntax",
    }, because "identity providers send attributes that nobody asked for, and take 400 as final";

    unknown_path: UnknownPath, "an unknown attribute as the path of a PATCH", {
        IgnoreOnUsers = "ignored on users; 400 invalidPath on groups, in a value without a path too",
        Refuse = "400 invalidPath",
    }, because "mappings name attributes that a server lacks, but a misspelled `members` must not be a silent no";

    email_alias: EmailAlias, "`email` in a filter", {
        Understand = "an alias of `emails.value`",
        Refuse = "400 invalidFilter",
    }, because "identity providers that match people by mail call the attribute so";

    bare_names: BareNames, "an extension's attribute without its URN, such as `manager`, in filters, as `sortBy`, in `attributes` and `excludedAttributes`, in paths, bodies and values, where neither the core schema nor another extension has one of this name", {
        Understand = "the extension's",
        Unknown = "an unknown attribute",
    }, because "Entra writes `manager` alone in queries and in PATCH, as the example in its documentation does";

    pathless_patch: PathlessPatch, "a PATCH without a path", {
        Keys = "attribute names, dotted and URN keys",
        Names = "attribute names",
        Refuse = "400 invalidSyntax",
    }, because "Entra groups many changes into one operation with such keys; the profile refuses it";

    read_only_in_patch: ReadOnlyInPatch, "a read-only attribute in the value of a PATCH without a path, or at the path of a schema", {
        Ignore = "ignored, but an `id` that is another's is 400 mutability",
        Refuse = "400 mutability, but the `id` that is there",
    }, because "clients send back what they were shown; RFC 7644 section 3.5.2 has each operation fit what it changes";

    empty_patch: EmptyPatch, "a PATCH whose list of operations is empty", {
        Nothing = "changes nothing",
        Refuse = "400 invalidSyntax",
    }, because "Microsoft's validator sends one; RFC 7644 section 3.5.2 asks for one operation or more";

    wrong_schemas: WrongSchemas, "`schemas` of a body: absent, empty, of something else, or without an extension that is used; set to such by a PATCH, or removed; of a `.search`: absent", {
        Take = "taken; by a PATCH never changed",
        Refuse = "400 invalidSyntax; removed: 400 mutability",
    }, because "scripts leave them out, and the path says what it is; RFC 7643 section 3 and RFC 7644 sections 3.4.3, 3.5.2 and 3.7 ask for them";

    complex_replace: ComplexReplace, "`replace` of a complex attribute", {
        Merge = "merges the sub-attributes",
        Whole = "replaces it whole; what is immutable or writeOnly and not mentioned stays",
    }, because "RFC 7644 section 3.5.2.3 merges, the profile does not";

    unmatched_filter: UnmatchedFilter, "add or replace at a value filter that matches nothing; replace by an object at one that matches", {
        Create = "creates the element from the `eq` terms joined by `and`, never in `members`; a replaced one keeps what these terms say",
        NoTarget = "400 noTarget; a replaced one has what the object says alone",
    }, because "Entra sets `emails[type eq \"work\"].value` without looking whether there is one";

    remove_with_value: RemoveWithValue, "`remove` of `members` with a list of values and no filter", {
        RemoveThose = "removes those",
        Refuse = "400 invalidValue",
    }, because "Entra removes members in this form; reading it as \"all\" would empty the group";

    loose_forms: LooseForms, "strings as booleans, JSON in `roles.value`, filter values unquoted, in single quotes or of another type, times of a filter that are no `xsd:dateTime`, blanks in it that are not ASCII, one value for a list in the body of a POST or PUT, a complex value (a member, the manager) as a bare string or in a list of one, attributes under the URN of the core schema, a `binary` that is not base64, numbers and lists of a `.search` as text", {
        Understand = "taken",
        Refuse = "400",
    }, because "Entra sends `\"True\"`, role assignments as JSON text, and a manager's id alone; others send `emails` as one object or as strings";

    absent_members: AbsentMembers, "`members` absent from the PUT of a group", {
        Keep = "stay",
        Clear = "cleared",
    }, because "authentik replaces groups by PUT and keeps their members by PATCH";

    unknown_members: UnknownMembers, "member ids that nobody has", {
        Keep = "kept and shown as sent, at most 1,000 a group, without effect",
        Refuse = "400 invalidValue",
    }, because "Okta takes 400 as final and would lose the whole push";

    rehire: Rehire, "a POST that matches exactly one inactive user", {
        Restore = "201, the same id and memberships",
        Refuse = "409 uniqueness",
    }, because "Okta sends a returning person as a new one";

    password: Password, "`password`", {
        Drop = "accepted, dropped",
        Refuse = "400 invalidValue",
    }, because "Okta sends one even when it is unused; the profile forbids it";
}

const COMPAT: Switches = Switches {
    unknown_in_body: UnknownInBody::Ignore,
    unknown_path: UnknownPath::IgnoreOnUsers,
    email_alias: EmailAlias::Understand,
    bare_names: BareNames::Understand,
    pathless_patch: PathlessPatch::Keys,
    read_only_in_patch: ReadOnlyInPatch::Ignore,
    empty_patch: EmptyPatch::Nothing,
    wrong_schemas: WrongSchemas::Take,
    complex_replace: ComplexReplace::Merge,
    unmatched_filter: UnmatchedFilter::Create,
    remove_with_value: RemoveWithValue::RemoveThose,
    loose_forms: LooseForms::Understand,
    absent_members: AbsentMembers::Keep,
    unknown_members: UnknownMembers::Keep,
    rehire: Rehire::Restore,
    password: Password::Drop,
};

const STRICT: Switches = Switches {
    unknown_in_body: UnknownInBody::Refuse,
    unknown_path: UnknownPath::Refuse,
    email_alias: EmailAlias::Refuse,
    bare_names: BareNames::Unknown,
    pathless_patch: PathlessPatch::Names,
    read_only_in_patch: ReadOnlyInPatch::Refuse,
    empty_patch: EmptyPatch::Refuse,
    wrong_schemas: WrongSchemas::Refuse,
    complex_replace: ComplexReplace::Merge,
    unmatched_filter: UnmatchedFilter::NoTarget,
    remove_with_value: RemoveWithValue::Refuse,
    loose_forms: LooseForms::Refuse,
    absent_members: AbsentMembers::Clear,
    unknown_members: UnknownMembers::Refuse,
    rehire: Rehire::Refuse,
    password: Password::Drop,
};

const IPSIE: Switches = Switches {
    pathless_patch: PathlessPatch::Refuse,
    complex_replace: ComplexReplace::Whole,
    password: Password::Refuse,
    ..STRICT
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_a_row_for_every_switch() {
        let table = table();
        assert!(table.contains("| a PATCH without a path | attribute names, dotted and URN keys | attribute names | 400 invalidSyntax |"));
        assert_eq!(table.lines().count(), 2 + 16);
    }

    #[test]
    fn strict_and_ipsie_differ_in_the_profile_alone() {
        let profile = Switches {
            pathless_patch: PathlessPatch::Names,
            complex_replace: ComplexReplace::Merge,
            password: Password::Drop,
            ..IPSIE
        };
        assert_eq!(profile, STRICT);
    }
}

//! How the nouns are declared: one macro, so that every document and part behaves alike.

/// What is left out of JSON and XML: an absent value, an empty list, an empty text.
pub(crate) trait Absent {
    /// Whether there is nothing to say.
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Declares structs whose fields may all be absent, and refuse names that they do not have.
macro_rules! nouns {
    ($($(#[$about:meta])* struct $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$about])*
            #[derive(
                Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
            )]
            #[serde(default, deny_unknown_fields)]
            pub struct $name {
                $(
                    $(#[$field_about])*
                    #[serde(skip_serializing_if = "crate::canonical::noun::Absent::is_absent")]
                    pub $field: $type,
                )*
            }
        )*
    };
}
pub(crate) use nouns;

"""The keys of a processing rule."""

from typing import Final

from auditwake.forwarder.config.key import Group, Key

__all__ = ["OTHER_RULES", "RULE", "RULE_TYPES"]

RULE_TYPES: Final = ("exclude_at_match", "include_at_match", "mask_sequences")

# The Agent's rules that this agent does not apply, and why.
OTHER_RULES: Final = {
    "multi_line": "an event of an audit log is one line",
    "exclude_truncated": "no event is cut here",
    "remap_source": "attribute `source` is what the entry says",
    "exclude_at_gojq_match": "rules match text here",
    "include_at_gojq_match": "rules match text here",
}

RULE: Final = Group(
    "A rule of `log_processing_rules:`",
    "Rules apply in order, each to what the one before it left. Patterns are in RE2's language, as in the Agent.",
    (
        Key(name="name", kind="word", required=True, meaning="for people"),
        Key(
            name="type",
            kind="text",
            required=True,
            choices=(*RULE_TYPES, *OTHER_RULES),
            meaning="`exclude_at_match`, `include_at_match` or `mask_sequences`; others are left out with a warning",
        ),
        Key(name="pattern", kind="word", needed_by=RULE_TYPES, meaning="a regular expression"),
        Key(
            name="replace_placeholder", kind="word", default="", meaning="what a match becomes; `$1` is its first group"
        ),
        Key(name="matching", kind="any", reason="it is for `remap_source`"),
    ),
)

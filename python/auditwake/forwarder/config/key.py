"""What a key of the configuration is: one line of the table in `keys`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Group", "Key", "Kind"]

Kind: TypeAlias = Literal[
    "text",
    "word",
    "words",
    "whole",
    "number",
    "flag",
    "path",
    "url",
    "secret",
    "map",
    "secrets",
    "group",
    "groups",
    "any",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key.

    Attributes:
        name: Its name.
        kind: `text`: a string, nothing else; `word`: a string, for which a number or a boolean is taken as it is
            written; `words`: a list of them, or one string with commas; `whole`, `number`: numbers; `flag`: a boolean;
            `path`, `url`, `secret`: strings, the last two with references to the environment; `map`, `secrets`: names
            to words or secrets; `group`, `groups`: a map, or a list of maps, of its own keys; `any`: whatever.
        meaning: What it is for.
        default: What holds without it.
        shown: The default, where a page says it otherwise.
        env: The environment variable that wins over it.
        required: Whether it has to be there.
        needed_by: The values of `type` for which it has to be there.
        choices: The only values.
        why: Why there are no others.
        least: Smallest number.
        most: Largest number.
        fallback: Whether another value than `choices`, `least` and `most` allow is a warning, and the default holds, as
            with the Agent.
        nullable: Whether null has a meaning of its own.
        group: Its own keys.
        reason: Why it is legal and has no effect; empty for a key that is used.
    """

    name: str
    kind: Kind
    meaning: str = ""
    default: Any = None
    shown: str = ""
    env: str = ""
    required: bool = False
    needed_by: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    why: str = ""
    least: float | None = None
    most: float | None = None
    fallback: bool = False
    nullable: bool = False
    group: "Group | None" = None
    reason: str = ""

    @property
    def ignored(self) -> bool:
        """Whether it is legal and has no effect."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class Group:
    """The keys of a map.

    Attributes:
        title: What the page calls it.
        about: What the page says of it.
        keys: Its keys, in the order of the page.
        closed: Whether an unknown key is an error: nobody but us reads the map.
        variants: Keys by the value of `type`, beside those of all; their group has the title of the variant.
        quiet: Whether unknown keys are named in one warning: other programs read the map.
    """

    title: str
    about: str
    keys: tuple[Key, ...]
    closed: bool = False
    variants: Mapping[str, "Group"] = field(default_factory=dict)
    quiet: bool = False

    def find(self, name: str, variant: str | None = None) -> Key | None:
        """Give the key of a name; None if there is none."""
        return next((key for key in self.of(variant) if key.name == name), None)

    def of(self, variant: str | None = None) -> tuple[Key, ...]:
        """Give all keys, with those of a variant."""
        more = self.variants.get(variant or "")
        return (*self.keys, *more.keys) if more else self.keys

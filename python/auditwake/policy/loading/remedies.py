"""What to do about what the server says when it cannot decode a policy."""

import re
from typing import Final

__all__ = ["remedy"]

REMEDIES: Final[tuple[tuple[str, str], ...]] = (
    (
        "unknown group version field",
        "begin the file with apiVersion: audit.k8s.io/v1 and kind: Policy; an empty file is no policy",
    ),
    ("with 0 rules", "add a rule: the server takes no policy without one, and keys are in the case that it gives them"),
    (
        r"for version .*audit\.k8s\.io/v1(alpha1|beta1)",
        "write apiVersion: audit.k8s.io/v1; Kubernetes 1.24 removed what was before it; the fields are the same",
    ),
    ("no kind", "write apiVersion: audit.k8s.io/v1 and kind: Policy"),
    ("apiVersion' is missing", "write apiVersion: audit.k8s.io/v1"),
    ("unexpected GroupVersion", "write apiVersion: audit.k8s.io/v1"),
    ("converting", "write kind: Policy; a list of policies or any other kind is no policy"),
    ("Go value of type struct", "a policy is a mapping: apiVersion, kind and rules at the left margin"),
    ("json parse error", "the text begins with a brace, so the server takes it for JSON: make it valid JSON"),
    ("cannot start any token", "indent with spaces, and put quotes around text that begins with @, ` or %"),
    ("control characters", "is this a text file? YAML takes none of these characters"),
    ("UTF-8|UTF-16|surrogate|Unicode", "save the file as UTF-8"),
    ("did not find expected alphabetic", "a * at the beginning of a value is an alias: put quotes around it"),
    ("excessive aliasing", "write out what the aliases stand for"),
    ("unknown anchor", "a * at the beginning of a value is an alias: put quotes around it, or name an anchor"),
    (r"of type \[\]", "make it a list: one item a line, each after a dash"),
    (
        "bool into .* of type (string|v1|types)",
        "put quotes around it: YAML reads yes, no, on and off as booleans",
    ),
    ("number.* into .* of type (string|v1|types)", "put quotes around it: YAML reads it as a number"),
    ("of type bool", "write true or false, without quotes"),
    ("cannot unmarshal", "give it the type that the message names last"),
    ("parsing time", "write the time as in 2006-01-02T15:04:05Z, or leave it out"),
    ("^failed decoding: yaml", "correct the YAML: the place is where the server noticed, which can be a line late"),
)


def remedy(message: str) -> str:
    """Give what to do about a message of the server.

    Example:
        >>> remedy("loaded illegal policy with 0 rules")
        'add a rule: the server takes no policy without one, and keys are in the case that it gives them'
    """
    return next((said for pattern, said in REMEDIES if re.search(pattern, message[:1000])), "correct the file")

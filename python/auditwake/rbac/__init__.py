"""RBAC from the audit log: roles from use, what is missing, what is not used, and which bindings allowed something.

Example:
    >>> from auditwake import demo, rbac
    >>> observed = rbac.observe(demo.LOG)
    >>> "alice@example.com" in observed.users
    True
"""

from auditwake.errors import RbacError
from auditwake.rbac.attributes import Attributes
from auditwake.rbac.dump import load_rbac, rbac_of
from auditwake.rbac.evaluate import Binding, Grant, Rbac, Role
from auditwake.rbac.fix import Change, Fix, fix
from auditwake.rbac.generate import Grounded, Roles, SubjectRoles, generate
from auditwake.rbac.manifest import manifests, to_yaml
from auditwake.rbac.observe import Observed, observe
from auditwake.rbac.rule import Rule
from auditwake.rbac.subject import Subject
from auditwake.rbac.unused import unused
from auditwake.rbac.usage import usage
from auditwake.rbac.use import Use

__all__ = [
    "Attributes",
    "Binding",
    "Change",
    "Fix",
    "Grant",
    "Grounded",
    "Observed",
    "Rbac",
    "RbacError",
    "Role",
    "Roles",
    "Rule",
    "Subject",
    "SubjectRoles",
    "Use",
    "fix",
    "generate",
    "load_rbac",
    "manifests",
    "observe",
    "rbac_of",
    "to_yaml",
    "unused",
    "usage",
]

"""What the tests of `deploy/` share: reading manifests, and finding what is wrong with a set of them."""

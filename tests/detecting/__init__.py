"""Events as kube-apiserver 1.35 and later writes them, and the cases of the detection rules."""

"""The pretended account: what answers where AWS would."""

"""The commands: each reads the settings, calls one stage, and has its report printed."""

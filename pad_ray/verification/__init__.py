"""Executes a file of programs and says what happened to each: the sandbox as a tool of its own, at any size."""

from pad_ray.verification.config import VerificationConfig
from pad_ray.verification.verify import Verified, verify_programs

__all__ = ["VerificationConfig", "Verified", "verify_programs"]

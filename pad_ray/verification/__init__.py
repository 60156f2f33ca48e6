"""Executes a file of programs and reports a verdict on each: the sandbox as a standalone tool, at any scale."""

from pad_ray.verification.config import VerificationConfig
from pad_ray.verification.verify import VerificationResult, verify_programs

__all__ = ["VerificationConfig", "VerificationResult", "verify_programs"]

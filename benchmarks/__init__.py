"""What the README says about speed, as commands: `python -m benchmarks build|syscall_mon`."""

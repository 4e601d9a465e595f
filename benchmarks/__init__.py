"""What the README says about speed, as commands: `./dev benchmarks build|syscall_mon`."""

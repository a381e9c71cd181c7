"""The console: embedded servers, the development stack, the demo and the commands."""

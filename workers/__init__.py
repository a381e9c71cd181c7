"""The worker process: answers the doorbell, drives jobs and discoveries."""

"""The Cloud port on boto3: sessions, calls in threads, and AWS's errors in our words."""

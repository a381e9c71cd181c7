"""A simulator of an AWS account that still has EC2-Classic, spoken to over the real wire protocol."""

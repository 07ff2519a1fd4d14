//! The migrations, in the order of their versions.

mod m20260302101500_create_users;
mod m20260309143000_add_username;
mod m20260309150000_fill_usernames;
mod m20260316091000_create_posts;
mod m20260420160500_add_avatar_to_users;
mod m20260511083000_index_users_email;

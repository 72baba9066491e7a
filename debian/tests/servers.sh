# shellcheck shell=sh
# A mailbox on Dovecot and a table on PostgreSQL, of this machine's own; read with `.`, as root.

# Dovecot for the user freight, with TLS and a certificate of its own.
start_dovecot() {
    id freight >/dev/null 2>&1 || useradd --create-home freight
    echo freight:mail-secret | chpasswd
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost \
        -keyout /etc/dovecot/private/test.key -out /etc/dovecot/test.pem 2>/dev/null
    case $(dovecot --version) in
    2.3*)
        cat <<-'CONF'
			ssl = required
			ssl_cert = </etc/dovecot/test.pem
			ssl_key = </etc/dovecot/private/test.key
			mail_location = maildir:~/Maildir
		CONF
        ;;
    *)
        cat <<-'CONF'
			ssl = required
			ssl_server_cert_file = /etc/dovecot/test.pem
			ssl_server_key_file = /etc/dovecot/private/test.key
			mail_driver = maildir
			mail_path = ~/Maildir
			mail_inbox_path = ~/Maildir
		CONF
        ;;
    esac >/etc/dovecot/local.conf
    systemctl restart dovecot.service
}

# PostgreSQL with the database freight, two roles that own it, and the table of the README.
start_postgresql() {
    systemctl start postgresql.service
    runuser -u postgres -- psql --quiet --set ON_ERROR_STOP=1 <<-'SQL'
		CREATE ROLE ttcli LOGIN PASSWORD 'db-secret';
		CREATE ROLE trackandtrace LOGIN IN ROLE ttcli;
		CREATE DATABASE freight OWNER ttcli;
		\connect freight
		SET ROLE ttcli;
		CREATE TABLE tracking_data (
		    hawb varchar(50) PRIMARY KEY, pieces integer, weight numeric(10,2), etd timestamp, status text,
		    source_at timestamptz, processed_at timestamp DEFAULT current_timestamp,
		    file_source varchar(255));
	SQL
}

# As the README says: an editor would take away the # and write the value.
configure() {
    for setting in "$@"; do
        sed -i "s|^#\{0,1\}${setting%%=*}=.*|$setting|" /etc/trackandtrace/config.env
        grep -qx "$setting" /etc/trackandtrace/config.env
    done
}

configure_all() {
    install -m 0644 /etc/dovecot/test.pem /etc/trackandtrace/mail-ca.pem
    configure EMAIL_HOST=localhost EMAIL_USERNAME=freight EMAIL_PASSWORD=mail-secret \
        EMAIL_TLS_CA_FILE=/etc/trackandtrace/mail-ca.pem \
        DB_NAME=freight DB_USERNAME=ttcli
}

# deliver FIRST COUNT [STATUS]: a mail arrives.
deliver() {
    python3 "$HERE/mail.py" "$@" | /usr/lib/dovecot/dovecot-lda -d freight
}

# without PAM, whose lines would fill the journal
sql() {
    setpriv --reuid postgres --regid postgres --init-groups psql --dbname freight --tuples-only --no-align --command "$1"
}

as_service() {
    (cd / && runuser -u trackandtrace -- "$@")
}

-- verify_certificate($1 code)
-- tripwire_db/flows/verify_certificate.py

/* tripwire:verify_certificate */
SELECT public.certificates.number
     , public.certificates.full_name
     , public.certificates.issued_at
     , public.certificates.revoked_at
     , public.certificates.revoked_reason
FROM public.certificates
WHERE public.certificates.verification_code = CAST($1 AS varchar);

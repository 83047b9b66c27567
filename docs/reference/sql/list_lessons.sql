-- list_lessons()
-- tripwire_db/flows/list_lessons.py

/* tripwire:list_lessons */
SELECT public.lessons.id AS lesson_id
     , public.lessons.module_id
     , public.lessons.title
     , public.lessons.duration_seconds
     , public.lessons.archived
FROM public.lessons INNER JOIN public.modules ON public.modules.id = public.lessons.module_id
ORDER BY public.modules.position, public.lessons.archived, public.lessons.id;
